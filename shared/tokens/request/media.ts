import { addEstimate, type Counting } from './counting.ts'
import { type Detail, imageCost } from './image-cost.ts'
import { imageSizeOfBase64 } from './image-size.ts'
import { behind, headOf, type Text } from './value.ts'

/** Bytes behind a piece of base64 text. */
function bytesOf(base64: Text): number {
  return Math.ceil((base64.length * 3) / 4)
}

/** Characters of a `data:` URL in which its type and parameters end. */
const urlHeadMax = 1_024

/** The base64 text of a `data:` URL; undefined for other URLs. */
export function inlineData(url: Text): Text | undefined {
  const head = headOf(url, urlHeadMax)
  if (!/^data:/i.test(head)) return undefined
  const comma = head.indexOf(',')
  return comma < 0 ? undefined : behind(url, comma + 1)
}

/** The text of a `data:` URL that holds a text rather than a page layout; undefined for others. */
export function inlineText(url: Text): Text | undefined {
  const start = headOf(url, urlHeadMax)
  const head = /^data:(?:text\/|application\/(?:json|xml))[^,]{0,200},/i.exec(start)?.[0]
  if (head === undefined) return undefined
  const data = behind(url, head.length)
  if (!head.includes(';base64')) return data
  // A long one counts as it came: an estimate that is a third too high.
  return typeof data === 'string' ? Buffer.from(data, 'base64').toString('utf8') : data
}

/** Adds one image; one that is not in the request costs as much as an image may. */
export function countImage(counting: Counting, base64: Text | undefined, detail: unknown): void {
  const size = base64 === undefined ? undefined : imageSizeOfBase64(base64)
  const cost = imageCost(counting.family.image, size, detailOf(detail))
  counting.tally.add({ what: 'images', ...cost })
}

function detailOf(detail: unknown): Detail {
  return detail === 'low' || detail === 'high' || detail === 'original' ? detail : 'auto'
}

/**
 * Anthropic's guide on PDFs: 1,500 to 3,000 tokens of text a page, and the page as an image. The
 * higher number, and the largest image of the standard tier, since the resolution is not published;
 * OpenAI sends text and image of a page as well and publishes no number.
 */
const pageTokens = 3000 + 1568
/** Pages of a document that is not in the request: an assumption. */
const unseenPages = 10
/** Bytes of a page where the pages cannot be counted, being compressed: an assumption. */
const pageBytes = 50_000
/** Anthropic's limit of pages a request. */
const pagesMax = 600
/** Base64 characters of a document in which pages are looked for. */
const searchedCharacters = 1_048_576

/** Adds one PDF, or any other file whose text the provider extracts. */
export function countDocument(counting: Counting, base64: Text | undefined): void {
  const pages = base64 === undefined ? unseenPages : pagesOf(base64)
  addEstimate(counting, 'documents', pages * pageTokens)
}

function pagesOf(base64: Text): number {
  const bySize = Math.max(1, Math.ceil(bytesOf(base64) / pageBytes))
  const text = Buffer.from(headOf(base64, searchedCharacters), 'base64').toString('latin1')
  const found = text.match(/\/Type\s*\/Page(?![A-Za-z])/g)?.length ?? 0
  const isWhole = base64.length <= searchedCharacters
  return Math.min(pagesMax, isWhole && found > 0 ? found : Math.max(found, bySize))
}

/**
 * Gemini's page on tokens: 32 tokens a second. OpenAI's audio models took about 10 in public
 * reports; it documents no number for chat, so the higher stands for all.
 */
const audioTokensPerSecond = 32
/** Audio that is not in the request: ten minutes, an assumption. */
const unseenAudioSeconds = 600
/** Bytes a second of compressed speech at 32 kbit/s: longer than most files of that size are. */
const compressedBytesPerSecond = 4000

/** Adds audio of a known or, by its size, guessed length. */
export function countAudio(counting: Counting, base64: Text | undefined): void {
  const seconds = base64 === undefined ? unseenAudioSeconds : secondsOf(base64)
  addEstimate(counting, 'audio', Math.max(1, Math.ceil(seconds * audioTokensPerSecond)))
}

function secondsOf(base64: Text): number {
  const head = Buffer.from(headOf(base64, 64), 'base64')
  const isWave = head.length >= 32 && head.toString('latin1', 8, 12) === 'WAVE'
  // Bytes a second, in the place where a plain `fmt ` chunk has them (RFC 2361).
  const declared = isWave ? head.readUInt32LE(28) : 0
  return bytesOf(base64) / (declared > 0 ? declared : compressedBytesPerSecond)
}

/** Qwen2-VL's limit of visual tokens; nothing read here measures a video, so an assumption. */
const videoTokens = 16_384

export function countVideo(counting: Counting): void {
  addEstimate(counting, 'video', videoTokens)
}

/**
 * Adds what only the provider can read, such as encrypted reasoning: its bytes taken for text of
 * four bytes a token, an assumption.
 */
export function countOpaque(counting: Counting, base64: Text): void {
  if (base64 !== '') addEstimate(counting, 'reasoning', Math.ceil(bytesOf(base64) / 4))
}
