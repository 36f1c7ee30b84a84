/**
 * The addresses of pods, 198.18.0.10 to 198.18.0.254; those below are the node's and the tests'.
 * One that was given back is taken last, so that nobody meets a stranger at an address it knew.
 */
export class PodAddresses {
  readonly #free = Array.from({ length: 245 }, (_, index) => `198.18.0.${index + 10}`)

  take(): string {
    const address = this.#free.shift()
    if (address === undefined) throw new Error('Cannot take an address: all are in use')
    return address
  }

  give(address: string): void {
    this.#free.push(address)
  }
}
