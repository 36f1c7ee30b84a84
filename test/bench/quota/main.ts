import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { Scenario } from '../../ambassador/quota/scenario.ts'
import { scenarios, vagueScenarios } from '../../ambassador/quota/scenarios.ts'
import { environment } from '../environment.ts'
import { limitTable, refusalTable, runsOf, seedTable, type Wish } from './figures.ts'
import { measureOpening, openingTable } from './opening.ts'

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: join(import.meta.dirname, '..', 'results', 'quota.md') },
  },
})
const seeds = [1, 2, 3, 4, 5]
const durationMs = 600_000
/** Of the calls refused at once, the part that waits all the same. */
const triedShare = 0.03

function wishes(of: Readonly<Record<string, Scenario>>, change: Partial<Scenario>): Wish[] {
  return Object.entries(of).map(([name, scenario]) => ({
    name,
    scenario: { ...scenario, durationMs, ...change },
  }))
}

const facts = environment({ repeats: seeds.length, isQuick: false })
const opening = await measureOpening()
const patient = await runsOf(wishes(scenarios, {}), seeds)
const vague = await runsOf(wishes(vagueScenarios, {}), seeds)
const low = await runsOf(wishes(scenarios, { estimate: [0.8, 0.8] }), seeds)
const shared = await runsOf(wishes(scenarios, { processes: 2 }), seeds)
const tried = await runsOf(wishes({ ...scenarios, ...vagueScenarios }, { triedShare }), seeds)
const brief = await runsOf(wishes(scenarios, { triedShare, patienceMs: 1_000 }), seeds)
const { commit, isDirty, cpu, cores, node, date, load } = facts
const report = `# Scheduling against limits

Made by \`node test/bench/quota/main.ts\`; do not edit. Commit ${commit}${isDirty ? ' with changes' : ''} · ${cpu}, ${cores} cores · Node ${node} · ${date} · load average before the run ${load.join(', ')}.

In virtual time, so that the machine changes nothing but the last table: ${durationMs / 60_000} minutes, six
tenants who together ask for three times the limit (5 to 120 % of it each), estimates of tokens off by up
to 20 %, and half-way a cut of the limit by 30 % that nobody announces. The limiters are written from the
vendors' texts (\`deploy/simulator/limits/\`, \`test/ambassador/quota/plain-limiter.ts\`) and know nothing of
the scheduler. Left out are the first minute (a full bucket) and, of the 429, ten seconds after the cut.
The worst of ${seeds.length} seeds, and in brackets the mean. A tenant's deviation is from its max-min fair
share of the tokens served. Patience is 20 s where nothing else is said.

## One process

${limitTable(patient)}

Each seed: 429 / utilisation / worst tenant, in %.

${seedTable(patient, seeds)}

## Where the vendor's text is vague

xAI and Mistral name requests a second and tokens a minute and no more. These limiters count the input
at once and the output at its end, in a bucket that refills; xAI's tells nothing in headers, and the limit
of tokens is configured.

${limitTable(vague)}

## All estimates a fifth too low

${limitTable(low)}

## Two processes on one account

Each with \`accountPercent: 50\`, knowing nothing of the other. "azure, requests" is 10 requests in each
second, after the cut 7: half of 7 is 3 and a half, and two processes cannot agree whose turn it is to
send the fourth. Each sends 3, and a seventh of the limit after the cut is left; where each sent 4 every
other second, 3 % of the calls were refused, and the utilisation was 95 %. From 30 requests in a slice and
process on the loss is below 3 %.

${limitTable(shared)}

## Who is turned away, and when

Whoever is refused at once is no burden to the line. ${triedShare * 100} % of those refused wait all the same, to see
how long it would have been. At three times the limit the line is as long as patience lets it be, so who
is refused stands at its end: whether such a call would have come just in time is chance, and for each
that came so another would not. Those who had time to spare are the errors of the forecast.

${refusalTable(tried)}

With a patience of 1 s a forecast is off by as much as a tenth to a third of it: by single calls, by the
pace of a fixed window, by places that fall free as chance has it. It errs towards the refusal, which
costs no capacity, for the line is never empty; a call that waits in vain has lost its time.

${refusalTable(brief)}

## When a limit opens

On this machine's clock: 10,000 calls wait behind a 429 of a second, each with 30 µs of work once it has
its permit, what sending a question takes at least; the longest hold of the event loop from then on.

${openingTable(opening)}
`
process.stdout.write(report)
writeFileSync(resolve(values.out), report)
