import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { killOnExit } from '../kill-on-exit.ts'

const run = promisify(execFile)

/** The node's own address, by which pods with a network of their own reach everything else. */
export const nodeAddress = '198.18.0.1'

/** Of util-linux, found by PATH. */
const program = 'unshare'

/** Says its process id as /proc has it, waits for its network, and then for its end. */
const pause = 'read -r pid rest < /proc/self/stat; echo "$pid"; read -r go; exec sleep 86400'

/**
 * A pod's own network: its loopback, and its address on a pair of devices of which the other end is
 * the suite's. Needs the suite's namespaces (root of them) and forwarding between pods.
 */
export class Sandbox {
  readonly #address: string
  #holder: ChildProcess | undefined
  #path: Promise<string> | undefined

  constructor(address: string) {
    this.#address = address
  }

  /** File that `nsenter --net=` takes; the network is made when it is asked for the first time. */
  path(): Promise<string> {
    this.#path ??= this.#make()
    return this.#path
  }

  /** The devices go with the last process in it. */
  close(): void {
    this.#holder?.kill('SIGKILL')
  }

  async #make(): Promise<string> {
    const holder = spawn(program, ['--net', 'sh', '-c', pause], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    killOnExit(holder)
    this.#holder = holder
    const [id]: string[] = await once(createInterface({ input: holder.stdout }), 'line')
    const path = `/proc/${id}/ns/net`
    const device = `pod${this.#address.split('.').at(-1)}`
    const outside = [
      'echo 1 > /proc/sys/net/ipv4/ip_forward',
      `ip link add ${device} type veth peer name eth0 netns ${holder.pid}`,
      `ip link set ${device} up`,
      // The table that is asked first, in which all of the pods' network is this machine.
      `ip route replace ${this.#address}/32 dev ${device} src ${nodeAddress} table local`,
    ]
    const inside = [
      'ip link set lo up',
      `ip address add ${this.#address}/32 dev eth0`,
      'ip link set eth0 up',
      `ip route add ${nodeAddress} dev eth0`,
      `ip route add default via ${nodeAddress} dev eth0`,
    ]
    await run('sh', ['-ec', outside.join('\n')], { timeout: 10_000 })
    await run('nsenter', [`--net=${path}`, 'sh', '-ec', inside.join('\n')], { timeout: 10_000 })
    holder.stdin.end('go\n')
    return path
  }
}
