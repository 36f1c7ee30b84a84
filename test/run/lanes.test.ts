import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Part, runLanes } from './lanes.ts'

const part = (name: string, script: string): Part => ({ name, args: ['-e', script] })

async function ran(...lanes: Part[][]) {
  let text = ''
  const code = await runLanes(lanes, (written) => {
    text += written
  })
  return { code, lines: text.split('\n') }
}

test('lines of each part stay whole and together, and counts begin theirs', async () => {
  const script = `
    process.stdout.write('half')
    setImmediate(() => process.stdout.write(' line\\nℹ pass 3\\n'))`
  const { code, lines } = await ran([part('a', script)], [part('b', script)])
  assert.equal(code, 0)
  assert.equal(lines.filter((line) => line === 'half line').length, 2)
  assert.equal(lines.filter((line) => line === 'ℹ pass 3').length, 2)
  const [first, second] = ['a', 'b'].map((name) => lines.indexOf(`== ${name}`))
  assert.ok(first !== undefined && second !== undefined && Math.abs(first - second) === 4)
})

test('a part that fails fails all, and those after it in its lane are run', async () => {
  const { code, lines } = await ran([part('bad', 'process.exit(3)'), part('next', '')])
  assert.equal(code, 1)
  assert.ok(lines.some((line) => line.startsWith('== bad: failed')))
  assert.ok(lines.some((line) => line.startsWith('== next: ended well')))
})

test('a part that is killed fails all, and says by what', async () => {
  const { code, lines } = await ran([part('killed', "process.kill(process.pid, 'SIGKILL')")])
  assert.equal(code, 1)
  assert.ok(lines.includes('Cannot finish: ended by SIGKILL'))
})

test('a part may be given less of the processor, and an environment', async () => {
  const script = `
    const { getPriority } = require('node:os')
    const look = setInterval(() => {
      if (getPriority() < 5) return
      console.log('nice', process.env.GIVEN)
      clearInterval(look)
    }, 10)`
  const nice = { ...part('nice', script), niceness: 5, environment: { GIVEN: 'yes' } }
  const { lines } = await ran([nice])
  assert.ok(lines.includes('nice yes'))
})
