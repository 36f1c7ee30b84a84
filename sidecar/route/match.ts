import { usualClass } from '#shared/config/classes.ts'
import type { Config, Entry, Model, Target } from '#shared/config/schema.ts'
import type { Rule } from '#shared/config/target-schema.ts'
import { askedClass } from '#shared/http/asked-class.ts'
import type { CallRequest } from '#shared/http/call.ts'
import { header } from '#shared/http/headers.ts'
import type { InputCount } from '#shared/tokens/counter.ts'
import type { SidecarCall } from '../call.ts'
import { configOf } from '../config-of.ts'
import { usedBy } from './needs.ts'

/** What rules look at. */
export interface Looked {
  readonly model: Model
  readonly request: CallRequest
  readonly context: SidecarCall
  /** Tokens of the question for `target`; undefined where they are not known in time. */
  readonly countOf: (target: Target) => Promise<InputCount | undefined> | InputCount | undefined
}

/** The targets of the first rule that fits the call; those of the model itself where none does. */
export async function ruleFor(looked: Looked): Promise<readonly Entry[]> {
  for (const rule of looked.model.rules) {
    if ((await misfitOf(rule, looked)) === undefined) return rule.targets
  }
  return looked.model.targets
}

/** Why the rule does not fit the call, to read on from "because"; undefined where it fits. */
export async function misfitOf(rule: Rule, looked: Looked): Promise<string | undefined> {
  const misfit = misfitOfHead(rule, looked) ?? misfitOfNeeds(rule, looked)
  const { tokensOver } = rule.when
  if (misfit !== undefined || tokensOver === undefined) return misfit
  // Last: a count may have to be waited for.
  const { tokens, exactness } = await tokensFor(rule, looked)
  if (tokens > tokensOver) return undefined
  const counted = exactness === 'estimate' ? `about ${tokens}` : `${tokens}`
  return `the question has ${counted} tokens, not over ${tokensOver}`
}

function misfitOfHead({ when }: Rule, { request, context }: Looked): string | undefined {
  const isOther = when.class !== undefined && when.class !== classOf(request, configOf(context))
  if (isOther) return `the class is not ${when.class}`
  for (const name in when.headers) {
    const value = header(request.headers, name)
    const wanted = when.headers[name]
    if (value === undefined) return `there is no header ${name}`
    if (wanted !== '*' && value !== wanted) return `the header ${name} is not '${wanted}'`
  }
  return undefined
}

/** As far as a sidecar knows it: the ambassador goes by what the tenant may use. Error: `invalid-field`. */
export function classOf(request: CallRequest, { classes }: Pick<Config, 'classes'>): string {
  return askedClass(request, classes) ?? usualClass(classes)
}

function misfitOfNeeds({ when }: Rule, { request, context }: Looked): string | undefined {
  if (when.needs.length === 0) return undefined
  const used = usedBy({ body: request.body, values: context.members }, when.needs)
  const unused = when.needs.filter((name) => !used.has(name))
  return unused.length === 0 ? undefined : `the question does not use ${unused.join(', ')}`
}

/** By the tokenizer of the rule's first target; of the model's where the rule only refuses. */
async function tokensFor(rule: Rule, { model, context, countOf }: Looked): Promise<InputCount> {
  const [target] = [...rule.targets, ...model.targets].flatMap((entry) =>
    entry.choose === 'refuse' ? [] : entry.targets,
  )
  return (target && (await countOf(target))) ?? context.input
}
