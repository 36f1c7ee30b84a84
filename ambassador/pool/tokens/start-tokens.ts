import type { Clock } from '#shared/call/clock.ts'
import { openSegments } from '#shared/tokens/hugging-face/segments.ts'
import { AskTurns } from './ask-turns.ts'
import { EncodeThread } from './encode-thread.ts'
import { LocalTokens } from './local-tokens.ts'
import type { ModelFiles } from './model-files.ts'
import { PromptTokens, type TierChoice } from './prompt-tokens.ts'
import { questionOf } from './question.ts'
import { RemoteTokens } from './remote-tokens.ts'
import { SegmentIds } from './segment-ids.ts'
import type { Tokenize } from './tokenize.ts'
import { Trust } from './trust.ts'
import { Verification } from './verification.ts'

export interface TokensOptions {
  readonly clock: Clock
  readonly choice: TierChoice
  /** In the replicas' words. */
  readonly model: string
  /** Undefined where none are configured. */
  readonly files: ModelFiles | undefined
  readonly tokenize: Tokenize
  /** Addresses of those that serve. */
  readonly replicas: () => readonly string[]
  /** Told when another tier is used, or for other reasons. */
  readonly onChange: () => void
  readonly limitMs?: number
  readonly cacheBytesMax?: number
}

/** Below what a person or a scheduler's step notices. */
const limitMsDefault = 50
/** Ids of 100 conversations of 100,000 tokens, for each of the two ways. */
const cacheBytesDefault = 64 * 1024 * 1024

/** The tokens of one pool's prompts, not yet compared with any replica's, and how it ends. */
export function startTokens(options: TokensOptions): { tokens: PromptTokens; close(): void } {
  const { clock, choice, model, files, tokenize, replicas, onChange } = options
  const cacheBytesMax = options.cacheBytesMax ?? cacheBytesDefault
  const isLocal = choice === 'auto' || choice === 'local'
  const thread = isLocal && files !== undefined ? new EncodeThread(files.table.bytes) : undefined
  const local =
    thread === undefined || files === undefined
      ? undefined
      : localTokens(files, thread, cacheBytesMax)
  thread?.warm()
  const turns = new AskTurns(clock, replicas)
  const remote =
    choice === 'auto' || choice === 'remote'
      ? new RemoteTokens({ tokenize, turns, model, cacheBytesMax })
      : undefined
  const verification = new Verification({
    clock,
    local,
    remote,
    askAt: (origin) => (facts) => tokenize(origin, questionOf(facts, model)),
    onFound: onChange,
  })
  const tokens = new PromptTokens({
    clock,
    choice,
    local,
    remote,
    verification,
    trust: new Trust(),
    limitMs: options.limitMs ?? limitMsDefault,
  })
  return {
    tokens,
    close() {
      tokens.close()
      thread?.close()
    },
  }
}

function localTokens(files: ModelFiles, apart: EncodeThread, cacheBytesMax: number): LocalTokens {
  const encoder = openSegments(files.table.table)
  const segments = new SegmentIds({ encoder, apart, cacheBytesMax })
  return new LocalTokens({ segments, template: files.template, tokens: files.tokens })
}
