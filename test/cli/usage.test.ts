import assert from 'node:assert/strict'
import { test } from 'node:test'
import { globalOptions, parseLine } from '#deploy/cli/arguments.ts'
import { commands } from '#deploy/cli/commands.ts'
import { helpOf, overview } from '#deploy/cli/help.ts'
import { run } from '#deploy/cli/run.ts'
import { CommandFailure } from '#deploy/cli/terminal/failure.ts'
import { manualClock } from '../manual-clock.ts'
import { runCli } from './run-cli.ts'

async function said(...argv: string[]) {
  let out = ''
  let told = ''
  const exit = await run(argv, commands, {
    write: (text) => {
      out += text
    },
    tell: (text) => {
      told += text
    },
    input: () => Promise.resolve(''),
    isColoured: false,
    environment: { HOME: '/nonexistent' },
    clock: manualClock(),
  })
  return { exit, out, told }
}

test('a mistyped option is refused with what was meant', async () => {
  assert.deepEqual(await said('check', '--ouput', 'json'), {
    exit: 2,
    out: '',
    told: "outrigger: Option --ouput is not known to 'outrigger check'.\n  Did you mean --output?\n",
  })
})

test("another command's option is not this one's", async () => {
  const { exit, told } = await said('diff', '--timeout', '5m')
  assert.equal(exit, 2)
  assert.match(told, /--timeout is not known to 'outrigger diff'/)
})

test('a mistyped command is refused with what was meant', async () => {
  const { exit, told } = await said('confg', 'status')
  assert.equal(exit, 2)
  assert.match(told, /Did you mean 'outrigger config status'\?/)
  assert.match((await said('config')).told, /There are: config check, config diff/)
})

test('options without their value, and values without their option, are refused', async () => {
  assert.match((await said('diff', '--namespace')).told, /--namespace needs a value: NAME/)
  assert.match((await said('diff', '-n', '--output', 'json')).told, /--namespace needs a value/)
  assert.match((await said('config', 'status', '--wait=yes')).told, /--wait takes no value/)
  assert.match((await said('diff', '-o', 'xml')).told, /--output does not know 'xml'/)
  assert.match((await said('inject')).told, /too few words/)
  assert.match((await said('status', 'now')).told, /too many words/)
  assert.match((await said('explain', 'pod')).told, /Cannot tell which pod is meant/)
  assert.match((await said('config', 'push')).told, /There is nothing to push/)
  assert.match((await said('config', 'status', '--timeout', '5')).told, /does not know '5'/)
})

test('options may stand anywhere, and before the command', () => {
  const { command, words, options } = parseLine(
    ['--context', 'x', 'explain', '-n', 'a', 'pod', 'web-1', '-o=json'],
    commands,
  )
  assert.equal(command?.name, 'explain pod')
  assert.deepEqual(words, ['web-1'])
  assert.equal(options.text('context'), 'x')
  assert.equal(options.text('namespace'), 'a')
})

test('each command has help with an example of its own, in lines a terminal shows', async () => {
  for (const command of commands) {
    const help = helpOf(command)
    assert.match(help, new RegExp(`\\n {2}.*outrigger ${command.name}`), command.name)
    for (const line of help.split('\n')) assert.ok(line.length <= 100, line)
    assert.deepEqual(await said(...command.name.split(' '), '--help'), {
      exit: 0,
      out: help,
      told: '',
    })
    for (const name of Object.keys(command.options)) assert.ok(!(name in globalOptions), name)
  }
})

test('without a command the overview goes to standard error, asked for it goes to the other', async () => {
  const text = overview(commands)
  assert.deepEqual(await said(), { exit: 2, out: '', told: text })
  assert.deepEqual(await said('--help'), { exit: 0, out: text, told: '' })
  for (const { name } of commands) assert.match(text, new RegExp(`^ {2}${name} `, 'm'))
})

test('a file that is not there is no stack trace', async () => {
  const { exit, told } = await said('config', 'check', '/nonexistent/x.yaml')
  assert.equal(exit, 2)
  assert.equal(
    told,
    "outrigger: Cannot read '/nonexistent/x.yaml': ENOENT.\n  See that the path is right.\n",
  )
  assert.throws(() => parseLine(['check', '--x'], commands), CommandFailure)
})

test('the process prints what the command gives, and ends with its code', async () => {
  const { exit, out, told } = await runCli(['--help'])
  assert.deepEqual({ exit, out, told }, { exit: 0, out: overview(commands), told: '' })
})
