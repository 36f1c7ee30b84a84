import type { ChildProcess } from 'node:child_process'

const children = new Set<ChildProcess>()

// The last thing this process does, also where it dies of an error; one listener for them all.
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})

/** Kills `child` when this process ends before it. */
export function killOnExit(child: ChildProcess): void {
  children.add(child)
  child.once('exit', () => children.delete(child))
}
