import type { Exactness } from './tally.ts'

/** Pixels; both sides at least 1. */
export interface ImageSize {
  readonly width: number
  readonly height: number
}

/** How closely OpenAI's models look; `auto` where the request says nothing. */
export type Detail = 'low' | 'high' | 'original' | 'auto'

/**
 * OpenAI's tiles: fit into 2048 px, shrink the short side to 768 px, count squares of 512 px. Low
 * detail costs the base alone. Source: https://developers.openai.com/api/docs/guides/images-vision,
 * "Tile-based image tokenization"; for gpt-4-turbo Azure OpenAI's overview, "Image tokens".
 */
interface TileRule {
  readonly kind: 'tiles'
  readonly base: number
  readonly tile: number
  readonly exactness: Exactness
}

/**
 * OpenAI's patches of 32 px, shrunk into a budget, times a multiplier. Source: the same guide,
 * "Patch-based image tokenization" and "Model sizing behavior".
 */
interface PatchRule {
  readonly kind: 'patches'
  readonly multiplier: number
  /** Budget of detail `high`. */
  readonly patchesMax: number
  /** What `auto` means: documented from gpt-5.4 on; before it, taken for `high` and an estimate. */
  readonly auto: 'high' | 'original' | 'undocumented'
  /** Whether `original` keeps every pixel (gpt-5.6 and later) or is bounded as on gpt-5.4. */
  readonly original: 'bounded' | 'unbounded'
  readonly exactness: Exactness
}

/**
 * Squares of `square` px, each one token, after shrinking to an edge and a number of tokens.
 * Anthropic: https://platform.claude.com/docs/en/build-with-claude/vision, "Resolution and token
 * cost" (the former width × height / 750 is obsolete). Qwen2-VL's squares have 28 px as well, at
 * most 16,384 of them by its model card.
 */
interface SquareRule {
  readonly kind: 'squares'
  readonly square: number
  readonly edgeMax: number
  readonly tokensMax: number
  readonly exactness: Exactness
}

/** Gemini: 258 tokens up to 384 px, else 258 per 768 px tile. https://ai.google.dev/gemini-api/docs/tokens */
interface CropRule {
  readonly kind: 'crops'
  readonly exactness: Exactness
}

export type ImageRule = TileRule | PatchRule | SquareRule | CropRule

export interface ImageCost {
  readonly tokens: number
  readonly exactness: Exactness
}

/** Tokens of one image; where its size is not known, those of the most expensive one. */
export function imageCost(rule: ImageRule, size: ImageSize | undefined, detail: Detail): ImageCost {
  if (rule.kind === 'tiles') return tileCost(rule, size, detail)
  if (rule.kind === 'patches') return patchCost(rule, size, detail)
  if (rule.kind === 'crops') return cropCost(rule, size)
  if (size === undefined) return { tokens: rule.tokensMax, exactness: 'estimate' }
  return { tokens: squareTokens(rule, size), exactness: rule.exactness }
}

/** 768 × 2048 px: the largest image the tile rule can leave. */
const tilesMax = 8

function tileCost(rule: TileRule, size: ImageSize | undefined, detail: Detail): ImageCost {
  if (detail === 'low') return { tokens: rule.base, exactness: rule.exactness }
  if (size === undefined) {
    return { tokens: rule.base + tilesMax * rule.tile, exactness: 'estimate' }
  }
  const fitted = shrink(size, 2048 / Math.max(size.width, size.height))
  const small = shrink(fitted, 768 / Math.min(fitted.width, fitted.height))
  const tiles = Math.ceil(small.width / 512) * Math.ceil(small.height / 512)
  // With `auto` the provider chooses the detail, and says not how.
  const exactness = detail === 'auto' ? 'estimate' : rule.exactness
  return { tokens: rule.base + tiles * rule.tile, exactness }
}

const patchPx = 32
/** Bounds of detail `original` up to gpt-5.5. */
const originalPatchesMax = 10_000
const originalEdgeMax = 6000
const highEdgeMax = 2048
/** `low` sends 512 × 512 px; whether a smaller image is enlarged to it is not documented. */
const lowPatches = 256

function patchCost(rule: PatchRule, size: ImageSize | undefined, detail: Detail): ImageCost {
  const costOf = (patches: number, exactness: Exactness): ImageCost => ({
    tokens: Math.ceil(patches * rule.multiplier),
    exactness,
  })
  if (detail === 'low') return costOf(lowPatches, 'estimate')
  const auto = rule.auto === 'undocumented' ? 'high' : rule.auto
  const chosen = detail === 'auto' ? auto : detail
  const patchesMax = chosen === 'high' ? rule.patchesMax : originalPatchesMax
  // An unbounded original may cost more, but larger images than this are refused or rare.
  if (size === undefined) return costOf(patchesMax, 'estimate')
  const isGuess = detail === 'auto' && rule.auto === 'undocumented'
  const exactness = isGuess ? 'estimate' : rule.exactness
  if (chosen === 'original' && rule.original === 'unbounded') {
    return costOf(patchesOf(size), exactness)
  }
  const edgeMax = chosen === 'high' ? highEdgeMax : originalEdgeMax
  const fitted = shrink(size, edgeMax / Math.max(size.width, size.height))
  return costOf(patchesWithin(fitted, patchesMax), exactness)
}

function patchesOf(size: ImageSize): number {
  return Math.ceil(size.width / patchPx) * Math.ceil(size.height / patchPx)
}

/** Patches after the documented shrinking, which ends at a whole number of patches on one side. */
function patchesWithin(size: ImageSize, patchesMax: number): number {
  if (patchesOf(size) <= patchesMax) return patchesOf(size)
  const factor = Math.sqrt((patchPx * patchPx * patchesMax) / (size.width * size.height))
  const across = (size.width * factor) / patchPx
  const down = (size.height * factor) / patchPx
  const whole = Math.min(Math.floor(across) / across, Math.floor(down) / down)
  // An edge below one patch would shrink the image to nothing.
  if (whole === 0) return patchesMax
  return Math.min(patchesMax, wholePatches(across * whole) * wholePatches(down * whole))
}

/** Rounds up, except what only the arithmetic of floats put above a whole number. */
function wholePatches(patches: number): number {
  return Math.ceil(patches - 1e-6)
}

function squareTokens(rule: SquareRule, size: ImageSize): number {
  const tokensAt = (longEdge: number): number => {
    const scale = longEdge / Math.max(size.width, size.height)
    const sides = [size.width, size.height].map((side) => Math.max(1, halfEven(side * scale)))
    return sides.reduce((product, side) => product * Math.ceil(side / rule.square), 1)
  }
  // The largest long edge that keeps both limits; tokens grow with the edge, so halving finds it.
  let fits = 1
  let exceeds = Math.min(Math.max(size.width, size.height), rule.edgeMax) + 1
  while (exceeds - fits > 1) {
    const middle = Math.floor((fits + exceeds) / 2)
    if (tokensAt(middle) <= rule.tokensMax) fits = middle
    else exceeds = middle
  }
  return tokensAt(fits)
}

/** Anthropic's published resizing rounds halves to the even pixel. */
function halfEven(value: number): number {
  const floor = Math.floor(value)
  if (value - floor !== 0.5) return Math.round(value)
  return floor % 2 === 0 ? floor : floor + 1
}

const cropTokens = 258
/** 3072 px, to which Gemini scales larger images, are four tiles a side. */
const cropsMax = 16

function cropCost(rule: CropRule, size: ImageSize | undefined): ImageCost {
  if (size === undefined) return { tokens: cropsMax * cropTokens, exactness: 'estimate' }
  const isSmall = Math.max(size.width, size.height) <= 384
  const crops = isSmall ? 1 : Math.ceil(size.width / 768) * Math.ceil(size.height / 768)
  return { tokens: Math.min(crops, cropsMax) * cropTokens, exactness: rule.exactness }
}

function shrink(size: ImageSize, factor: number): ImageSize {
  if (factor >= 1) return size
  return {
    width: Math.max(1, Math.round(size.width * factor)),
    height: Math.max(1, Math.round(size.height * factor)),
  }
}
