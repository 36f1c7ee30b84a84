import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import { type Encoding, loadEncoding, sliceBytes } from '#shared/tokens/encoding.ts'
import { loadTokenizer, writeTokenizerTable } from '#shared/tokens/hugging-face/load-tokenizer.ts'
import { encodingOf } from '#shared/tokens/models.ts'
import { type EncodingName, encodingNames } from '#shared/tokens/vocabulary/table.ts'

const usage = `npm run count -- (--model MODEL | --encoding ENCODING | --tokenizer FILE) [FILE…]
Counts the tokens of each file, or of standard input, as a model would: one of OpenAI by its name, any
by its tokenizer.json or a table of one.
npm run count -- --tokenizer FILE --compile TABLE
Writes the table, which a sidecar reads in milliseconds and without the memory that compiling takes.
Encodings: ${encodingNames.join(', ')}
`

/** A line of progress each 8 MB: under a second of prose. */
const slicesPerLine = (8 * 1024 * 1024) / sliceBytes

/** Ends the process with the status that shells use for wrong usage. */
function refuse(message: string): never {
  process.stderr.write(`outrigger: ${message}\n\n${usage}`)
  process.exit(2)
}

/** A file that cannot be used says why itself. */
function fail(error: unknown): never {
  process.stderr.write(`outrigger: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}

function options() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        model: { type: 'string' },
        encoding: { type: 'string' },
        tokenizer: { type: 'string' },
        compile: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error))
  }
}

function chooseEncoding(model: string | undefined, encoding: string | undefined): EncodingName {
  const named = encodingNames.find((name) => name === encoding)
  if (named !== undefined) return named
  if (encoding !== undefined) refuse(`Cannot count: no encoding is called '${encoding}'`)
  if (model === undefined) {
    refuse('Cannot count: none of --model, --encoding and --tokenizer is given')
  }
  return (
    encodingOf(model) ??
    refuse(`Cannot count: the encoding of '${model}' is not known, name one with --encoding`)
  )
}

function countWithProgress(encoding: Encoding, source: string, content: string): number {
  const counting = encoding.counting(content)
  for (let slice = 1; !counting.step(sliceBytes); slice++) {
    if (slice % slicesPerLine !== 0) continue
    process.stderr.write(`outrigger: ${source}: ${counting.tokens} tokens so far\n`)
  }
  return counting.tokens
}

const { values, positionals } = options()
if (values.help === true) {
  process.stdout.write(usage)
  process.exit(0)
}
const { compile, tokenizer } = values
if (compile !== undefined) {
  if (tokenizer === undefined) refuse('Cannot compile: no --tokenizer is given')
  await writeTokenizerTable(tokenizer, compile).catch(fail)
  process.exit(0)
}
const encoding =
  tokenizer === undefined
    ? await loadEncoding(chooseEncoding(values.model, values.encoding))
    : await loadTokenizer(tokenizer).catch(fail)
let total = 0
for (const source of positionals.length > 0 ? positionals : ['-']) {
  try {
    const content = source === '-' ? await text(process.stdin) : await readFile(source, 'utf8')
    const tokens = countWithProgress(encoding, source, content)
    total += tokens
    process.stdout.write(positionals.length > 0 ? `${tokens}\t${source}\n` : `${tokens}\n`)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    process.stderr.write(`outrigger: Cannot count '${source}': ${reason}\n`)
    process.exitCode = 1
  }
}
if (positionals.length > 1) process.stdout.write(`${total}\ttotal\n`)
