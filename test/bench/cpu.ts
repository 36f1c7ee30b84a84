import { readdirSync, readFileSync } from 'node:fs'

/** CPU time of a process, user and system, all threads, in ms; resolution 1 ns. */
export function cpuMs(pid: number): number {
  let totalNs = 0
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    totalNs += taskNs(pid, task, 'ran')
  }
  // Some kernels keep no per-task times: the ticks of 10 ms are what is left.
  return totalNs > 0 ? totalNs / 1e6 : ticksMs(pid)
}

/**
 * Time that a process's main thread could have run and no core was free, in ms; 0 where the kernel
 * does not tell. What others on the machine, and the bench itself, have taken from it.
 */
export function starvedMs(pid: number): number {
  return taskNs(pid, String(pid), 'waited') / 1e6
}

function taskNs(pid: number, task: string, what: 'ran' | 'waited'): number {
  try {
    const text = readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8')
    return Number(text.split(' ')[what === 'ran' ? 0 : 1])
  } catch {
    // A thread that ended between the listing and the reading; Node's pool keeps its own.
    return 0
  }
}

/** USER_HZ is 100 on every Linux that Node runs on. */
const tickMs = 10

function ticksMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * tickMs
}

export interface Memory {
  readonly rssMB: number
  /** What the process itself has written: the part that no other process shares. */
  readonly anonymousMB: number
}

/** Memory in MB of 2^20 bytes. */
export function memory(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const read = (name: string) =>
    Number(new RegExp(`^${name}: +(\\d+)`, 'm').exec(text)?.[1]) / 1_024
  return { rssMB: read('Rss'), anonymousMB: read('Anonymous') }
}
