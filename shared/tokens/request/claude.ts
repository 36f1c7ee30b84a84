import type { Family, Framing, ToolRule } from './family.ts'
import type { ImageRule } from './image-cost.ts'
import { isModel } from './model-name.ts'

type Row = readonly [
  stem: string,
  free: number,
  forced: number,
  generation: 'standard' | 'high resolution',
]

/**
 * Tokens of the hidden system prompt that a request with tools gets: for tool choice `auto` and
 * `none`, and for `any` and `tool`. Source: https://platform.claude.com/docs/en/about-claude/pricing,
 * "Tool use pricing" (mirror of 2026-08; for models it no longer lists, mirrors of 2024 and 2025).
 * `high resolution` is Claude 4.7 and later: larger images and another tokenizer.
 */
const rows: readonly Row[] = [
  ['claude-opus-5', 286, 406, 'high resolution'],
  ['claude-opus-4-8', 290, 410, 'high resolution'],
  ['claude-opus-4-7', 675, 804, 'high resolution'],
  ['claude-sonnet-5', 354, 474, 'high resolution'],
  ['claude-opus-4-6', 497, 589, 'standard'],
  ['claude-opus-4-5', 496, 588, 'standard'],
  ['claude-opus-4-1', 313, 315, 'standard'],
  ['claude-opus-4', 313, 315, 'standard'],
  ['claude-sonnet-4-6', 497, 589, 'standard'],
  ['claude-sonnet-4-5', 496, 588, 'standard'],
  ['claude-sonnet-4', 313, 315, 'standard'],
  ['claude-haiku-4-5', 496, 588, 'standard'],
  ['claude-3-7-sonnet', 346, 313, 'standard'],
  ['claude-3-5-sonnet-20240620', 294, 261, 'standard'],
  ['claude-3-5-sonnet', 346, 313, 'standard'],
  ['claude-3-5-haiku', 264, 355, 'standard'],
  ['claude-3-opus', 530, 281, 'standard'],
  ['claude-3-sonnet', 159, 235, 'standard'],
  ['claude-3-haiku', 264, 340, 'standard'],
]

/**
 * No tokenizer is published. Anthropic's glossary gives about 3.5 English characters a token, and
 * its pricing page about 30 % more tokens for the same text from Claude 4.7 on. Nothing was measured
 * here (n = 0), so no accuracy is claimed. Bytes stand for characters: other scripts take more
 * tokens a character, as they take more bytes.
 */
const bytesPerToken = 3.5
const laterTokensFactor = 1.3

/**
 * Not published. With it the one plain example of Anthropic's page on token counting comes out
 * (system "You are a scientist", user "Hello, Claude": 14 tokens; n = 1).
 */
const framing: Framing = {
  message: 4,
  role: 'included',
  name: 0,
  reply: 0,
  start: 0,
  exactness: 'estimate',
}

const standardImage: ImageRule = {
  kind: 'squares',
  square: 28,
  edgeMax: 1568,
  tokensMax: 1568,
  exactness: 'formula',
}

const highResolutionImage: ImageRule = { ...standardImage, edgeMax: 2576, tokensMax: 4784 }

/** The highest of the table: what a model later than the table gets. */
const unlistedTools: ToolRule = {
  kind: 'anthropic',
  free: Math.max(...rows.map((row) => row[1])),
  forced: Math.max(...rows.map((row) => row[2])),
  exactness: 'estimate',
}

/** The family of a Claude model; `name` is lower-case and starts with `claude`. */
export function claudeFamily(name: string): Family {
  const row = rows.find(([stem]) => isModel(name, stem))
  if (row === undefined) return build('claude-unlisted', 'high resolution', unlistedTools)
  const [id, free, forced, generation] = row
  return build(id, generation, { kind: 'anthropic', free, forced, exactness: 'formula' })
}

function build(id: string, generation: Row[3], tools: ToolRule): Family {
  const isLater = generation === 'high resolution'
  return {
    id,
    text: {
      kind: 'bytes',
      bytesPerToken: isLater ? bytesPerToken / laterTokensFactor : bytesPerToken,
    },
    framing,
    image: isLater ? highResolutionImage : standardImage,
    tools,
  }
}
