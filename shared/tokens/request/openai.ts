import type { Family, Framing, ToolRule } from './family.ts'
import type { ImageRule } from './image-cost.ts'
import { isModel } from './model-name.ts'
import type { Exactness } from './tally.ts'

/**
 * 3 tokens per message, 1 per name, 3 that prime the reply. Source: OpenAI cookbook, "How to count
 * tokens with tiktoken", section 6, which checks it against the API for gpt-3.5-turbo, gpt-4,
 * gpt-4o and gpt-4o-mini; for later models it is an extrapolation, so an estimate.
 */
function cookbookFraming(exactness: Exactness): Framing {
  return { message: 3, role: 'counted', name: 1, reply: 3, start: 0, exactness }
}

function tiles(base: number, tile: number): ImageRule {
  return { kind: 'tiles', base, tile, exactness: 'formula' }
}

/** Patch models up to gpt-5.2: budget 1,536; what `auto` does is not documented for them. */
function patches(multiplier: number, exactness: Exactness): ImageRule {
  return {
    kind: 'patches',
    multiplier,
    patchesMax: 1536,
    auto: 'undocumented',
    original: 'bounded',
    exactness,
  }
}

function finePatches(auto: 'high' | 'original', original: 'bounded' | 'unbounded'): ImageRule {
  return {
    kind: 'patches',
    multiplier: 1.2,
    patchesMax: 2500,
    auto,
    original,
    exactness: 'formula',
  }
}

/** A model with no published image rule: the most expensive of the recent ones, as an estimate. */
const unlistedImage: ImageRule = {
  kind: 'patches',
  multiplier: 2.46,
  patchesMax: 2500,
  auto: 'original',
  original: 'bounded',
  exactness: 'estimate',
}

type OpenaiTools = Exclude<ToolRule, { kind: 'json' | 'anthropic' }>

const cl100k: OpenaiTools = { kind: 'namespace', exactness: 'formula' }
const o200k: OpenaiTools = { kind: 'cookbook', exactness: 'formula' }
const extrapolated: OpenaiTools = { kind: 'cookbook', exactness: 'estimate' }

type Row = readonly [stem: string, image: ImageRule, tools: OpenaiTools]

/**
 * First match counts, so longer stems stand first. Image numbers: OpenAI's guide "Images and
 * vision" (mirrors of 2025 to 2026-10). For gpt-5-mini, gpt-5-nano, gpt-5.4-mini and gpt-5.4-nano
 * its versions disagree (1.62 and 2.46, later 1.2 and 1.5): the higher stands, as an estimate.
 * gpt-4o-mini's are what is billed. gpt-4 and gpt-3.5 take no images and have no rule.
 */
const rows: readonly Row[] = [
  ['gpt-3.5-turbo', unlistedImage, cl100k],
  ['gpt-35-turbo', unlistedImage, cl100k],
  ['gpt-4o-mini', tiles(2833, 5667), o200k],
  ['gpt-4o', tiles(85, 170), o200k],
  ['chatgpt-4o', tiles(85, 170), extrapolated],
  ['gpt-4.1-mini', patches(1.62, 'formula'), extrapolated],
  ['gpt-4.1-nano', patches(2.46, 'formula'), extrapolated],
  ['gpt-4.1', tiles(85, 170), extrapolated],
  ['gpt-4.5', tiles(85, 170), extrapolated],
  ['gpt-4-turbo', tiles(85, 170), cl100k],
  ['gpt-4', unlistedImage, cl100k],
  ['o4-mini', patches(1.72, 'formula'), extrapolated],
  ['o3-mini', unlistedImage, extrapolated],
  ['o3', tiles(75, 150), extrapolated],
  ['o1-mini', unlistedImage, extrapolated],
  ['o1', tiles(75, 150), extrapolated],
  ['gpt-5-mini', patches(1.62, 'estimate'), extrapolated],
  ['gpt-5-nano', patches(2.46, 'estimate'), extrapolated],
  ['gpt-5-chat', tiles(70, 140), extrapolated],
  ['gpt-5-codex', unlistedImage, extrapolated],
  ['gpt-5-pro', unlistedImage, extrapolated],
  ['gpt-5', tiles(70, 140), extrapolated],
  ['gpt-5.2-codex', unlistedImage, extrapolated],
  ['gpt-5.2-pro', unlistedImage, extrapolated],
  ['gpt-5.2', patches(1.2, 'formula'), extrapolated],
  ['gpt-5.4-mini', patches(1.62, 'estimate'), extrapolated],
  ['gpt-5.4-nano', patches(2.46, 'estimate'), extrapolated],
  ['gpt-5.4', finePatches('high', 'bounded'), extrapolated],
  ['gpt-5.5', finePatches('original', 'bounded'), extrapolated],
  ['gpt-5.6', finePatches('original', 'unbounded'), extrapolated],
  ['gpt-6-astra', finePatches('original', 'unbounded'), extrapolated],
  ['computer-use-preview', tiles(65, 129), extrapolated],
]

/** Models of OpenAI that are not listed: later than this table. */
const unlisted = /^(?:gpt-\d|o\d|codex-|computer-use)/
/** The stems of which tiktoken or OpenAI's guide name the encoding; gpt-6 is not among them. */
const encodingIsKnown = /^(?:gpt-[345]|chatgpt-4o|o\d|computer-use|text-)/

/** The family of an OpenAI model of this lower-case name; undefined for others and for gpt-oss. */
export function openaiFamily(name: string): Family | undefined {
  const exactness = encodingIsKnown.test(name) ? 'exact' : 'estimate'
  const text = { kind: 'tokenizer', exactness } as const
  if (/^text-(?:embedding|davinci)/.test(name)) {
    const framing = cookbookFraming('estimate')
    return { id: 'openai-text', text, framing, image: unlistedImage, tools: extrapolated }
  }
  const row = rows.find(([stem]) => isModel(name, stem))
  if (row === undefined && !unlisted.test(name)) return undefined
  const [id, image, tools] = row ?? ['openai-unlisted', unlistedImage, extrapolated]
  return { id, text, framing: cookbookFraming(tools.exactness), image, tools }
}
