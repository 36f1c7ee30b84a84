import type { Entry, Model, Target } from '#shared/config/schema.ts'
import type { CallRequest } from '#shared/http/call.ts'
import { header } from '#shared/http/headers.ts'
import type { InputCount } from '#shared/tokens/counter.ts'
import type { SidecarCall } from '../call.ts'
import { usedBy } from './needs.ts'

/** What rules look at. */
export interface Looked {
  readonly request: CallRequest
  readonly context: SidecarCall
  /** Tokens of the question for `target`; undefined where they are not known in time. */
  readonly countOf: (target: Target) => Promise<InputCount | undefined> | InputCount | undefined
}

type Rule = Model['rules'][number]

/** The targets of the first rule that fits the call; those of the model itself where none does. */
export async function ruleFor(model: Model, looked: Looked): Promise<readonly Entry[]> {
  for (const rule of model.rules) {
    if (!fits(rule, looked)) continue
    if (rule.when.tokensOver === undefined) return rule.targets
    if ((await tokensFor(rule, looked)) > rule.when.tokensOver) return rule.targets
  }
  return model.targets
}

function fits({ when }: Rule, { request, context }: Looked): boolean {
  const asked = header(request.headers, 'x-outrigger-class') ?? 'interactive'
  if (when.class !== undefined && when.class !== asked) return false
  const hasHeaders = Object.entries(when.headers).every(([name, wanted]) => {
    const value = header(request.headers, name)
    return wanted === '*' ? value !== undefined : value === wanted
  })
  if (!hasHeaders) return false
  if (when.needs.length === 0) return true
  const used = usedBy(request.body, when.needs)
  return context.surface !== undefined && when.needs.every((name) => used.has(name))
}

async function tokensFor({ targets }: Rule, { context, countOf }: Looked): Promise<number> {
  const [target] = targets.flatMap((entry) => (entry.choose === 'refuse' ? [] : entry.targets))
  const counted = target === undefined ? undefined : await countOf(target)
  return (counted ?? context.input).tokens
}
