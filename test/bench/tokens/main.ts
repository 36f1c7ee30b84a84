import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { environment } from '../environment.ts'
import { corpora } from './corpus.ts'
import { differenceTable } from './differences.ts'
import { loadTable } from './loads.ts'
import { messageUnits, rounds, slowUnits, speedTables } from './speed.ts'
import { caseMsMax, sliceTable, worstTable } from './worst-cases.ts'

const packages = ['gpt-tokenizer', 'ai-tokenizer', 'tiktoken', 'js-tiktoken']

/** The versions that the lock file has. */
function versions(): string {
  const root = join(import.meta.dirname, '..', '..', '..')
  const lock: { packages: Record<string, { version: string }> } = JSON.parse(
    readFileSync(join(root, 'package-lock.json'), 'utf8'),
  )
  return packages
    .map((name) => `${name} ${lock.packages[`node_modules/${name}`]?.version ?? '?'}`)
    .join(', ')
}

const kinds = corpora()
const facts = environment({ repeats: rounds, isQuick: false })
const speeds = await speedTables(kinds)
const differences = await differenceTable()
const slices = await sliceTable()
const loads = await loadTable()
const worst = await worstTable()
const { commit, isDirty, cpu, cores, node, date, load } = facts
const report = `# Token counting

Made by \`node test/bench/tokens/main.ts\`; do not edit. Commit ${commit}${isDirty ? ' with changes' : ''} · ${cpu}, ${cores} cores · Node ${node} · ${date} · load average before the run ${load.join(', ')}.

Beside ${versions()}. Times are
processor time of the process, the least of ${rounds} rounds, where nothing else is said; the libraries
take turns within each round.

## Speed

MB of UTF-8 per second, in messages of ${messageUnits} characters: *cold / warm*. Cold: the library's memory
of words is emptied before the text, so that it finds the words that the text itself repeats, as with
a text that comes for the first time. Warm: the same text once more. That is what a memory of 100,000
words (gpt-tokenizer, ai-tokenizer) is best at, and where theirs is faster than our 4,096: a text that
is all the same a second time is in the sidecar not counted again at all (\`known-counts.ts\`). One
figure: the library keeps nothing. js-tiktoken has the first ${slowUnits} characters, once.

${speeds}

${kinds.map(({ name, source }) => `- ${name}: ${source}`).join('\n')}

## Where libraries differ

Tokens; bold where they are not ours. We follow the patterns of tiktoken 0.14, with white space as its
regular expressions have it and letters as the engine's Unicode has them.

${differences}

## Load and memory

Each in a process of its own, least (median) of wall time. Ours is bundled as for an image; its code
and vocabulary are apart, so that the call alone can be given. "Kept" is heap and buffers after a
collection, of ours without its code; WebAssembly's memory is not in it. "Process grows by" is all
memory that the system gave, with what loading left behind.

${loads}

## Worst cases

1 MB each, with o200k_base, ms of processor time for the whole count. A process that takes longer than
${caseMsMax / 1_000} s for a case is killed.

${worst}

Ours in both encodings, and the longest step of a count in slices:

${slices}
`
process.stdout.write(report)
writeFileSync(join(import.meta.dirname, '..', 'results', 'tokens.md'), report)
