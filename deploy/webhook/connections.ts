import type { Socket } from 'node:net'

/** Counts the connections of each remote address, from their first packet on. */
export class Connections {
  readonly #perAddressMax: number
  readonly #open = new Map<string, number>()

  constructor(perAddressMax: number) {
    this.#perAddressMax = perAddressMax
  }

  /** How many addresses are connected; those that left are forgotten. */
  get size(): number {
    return this.#open.size
  }

  /** Counts `socket` until it closes; one too many is destroyed at once. */
  admit(socket: Socket): void {
    const { remoteAddress: address } = socket
    const open = address === undefined ? undefined : (this.#open.get(address) ?? 0)
    // Without an address it has left already.
    if (address === undefined || open === undefined || open >= this.#perAddressMax) {
      socket.destroy()
      return
    }
    this.#open.set(address, open + 1)
    socket.once('close', () => {
      const left = (this.#open.get(address) ?? 1) - 1
      if (left === 0) this.#open.delete(address)
      else this.#open.set(address, left)
    })
  }
}
