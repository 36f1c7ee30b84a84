import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Environment, environment } from '../environment.ts'
import { callCost } from './call-cost.ts'
import { type DecisionCost, decisionCost, type Work } from './decision-cost.ts'
import type { Timed } from './timed.ts'
import { bytesCost, type TokensCost, tokensCost } from './tokens-cost.ts'

/**
 * What a decision, the tokens of a prompt, and a whole call cost, written to
 * `test/bench/results/routing/costs.md`:
 *
 *     node test/bench/routing/costs.ts [--model FOLDER] [--print]
 *
 * FOLDER holds tokenizer.json and tokenizer_config.json of a model; without one bytes stand for tokens.
 * `--print` writes no file. Takes some three minutes. All but the `wall` column is CPU time, told with the
 * quietest of several rounds or the lowest tenth beside the median: a busy machine makes it less sharp.
 */
const { values } = parseArgs({
  options: { model: { type: 'string' }, print: { type: 'boolean', default: false } },
})
const machine = environment({ repeats: 1, isQuick: values.print })
const file = join(import.meta.dirname, '..', 'results', 'routing', 'costs.md')

console.error('decisions')
const decisions = decisionCost()
console.error('tokens')
const tokens = [...(values.model === undefined ? [] : await tokensCost(values.model)), bytesCost()]
console.error('calls')
const calls = [
  ...(values.model === undefined ? [] : await callCost(values.model)),
  ...(await callCost(undefined)),
]
const page = [
  ...head(machine),
  ...decisionsPart(decisions),
  ...callsPart(),
  ...tokensPart(tokens),
].join('\n')
if (values.print) console.log(page)
else await writeFile(file, page)

function head({ commit, isDirty, cpu, cores, node, date, load }: Environment): string[] {
  const tree = isDirty ? `${commit}, with changes` : commit
  return [
    '# What placing a call costs',
    '',
    'Made by `node test/bench/routing/costs.ts`; do not edit. ' +
      `Commit ${tree} · ${cpu}, ${cores} cores · Node ${node} · ${date} · ` +
      `load average before the run ${load.join(', ')}.`,
    '',
  ]
}

function decisionsPart(cost: DecisionCost): string[] {
  const { replicas, meanTokens, inFlight, blocks, waiting } = cost
  return [
    '## A decision, beyond hashing',
    '',
    `${replicas} replicas, prompts of ${rounded(meanTokens)} tokens on average of which some 95 % have been`,
    `sent before, ${inFlight} calls under way, ${rounded(blocks)} blocks in the index. Microseconds of CPU`,
    `of the process, all threads, in ${cost.placed.rounds.count} rounds. Target: 50.`,
    '',
    ...table(
      ['what', 'calls', 'least round', 'median round', 'p10', 'p50', 'p99', 'most'],
      [
        ['placed at once', ...work(cost.placed)],
        ['held', ...work(cost.held)],
        [`look at ${waiting} that wait, none fits`, ...work(cost.looked)],
        ['the same 250 ms later', ...work(cost.lookedAnew)],
        ['look that places one', ...work(cost.lookedWithRoom)],
      ],
    ),
  ]
}

function callsPart(): string[] {
  return [
    '## A whole call in the ambassador',
    '',
    'CPU of its process in milliseconds, all threads, for streamed calls of about 100,000 prompt tokens, one after',
    'the other. Targets: 10 where 95 % of the prompt has been seen, 30 cold.',
    '',
    ...table(
      ['prompt', 'placed by', 'calls', 'p10', 'p50', 'p99', 'most'],
      calls.map(({ name, tiers, cpu }) => [name, tiers, ...figures(cpu)]),
    ),
  ]
}

function tokensPart(rows: readonly TokensCost[]): string[] {
  return [
    '## Of that, the tokens of the prompt',
    '',
    'Medians in milliseconds, by the functions alone.',
    '',
    ...table(
      ['prompt', 'tokens', 'main thread', 'worst', 'wall', 'CPU'],
      rows.map((row) => [
        row.name,
        rounded(row.tokens),
        row.mainMs.toFixed(1),
        row.worstMainMs.toFixed(1),
        row.wallMs.toFixed(1),
        row.cpuMs.toFixed(1),
      ]),
    ),
  ]
}

function work({ each, rounds }: Work): string[] {
  const [calls = '', ...shares] = figures(each)
  return [calls, rounds.least.toFixed(1), rounds.median.toFixed(1), ...shares]
}

function figures({ count, p10, p50, p99, max }: Timed): string[] {
  return [String(count), ...[p10, p50, p99, max].map((value) => value.toFixed(1))]
}

function rounded(value: number): string {
  return Math.round(value).toLocaleString('en')
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const lines = [titles, titles.map(() => '---'), ...rows]
  return [...lines.map((cells) => `| ${cells.join(' | ')} |`), '']
}
