import type { Undo } from './clock.ts'

interface Place<T> {
  item: T | undefined
  at: number
}

/**
 * What is under way, in no order. No Set: V8 gives one that things come to and leave all the time a
 * new table every few dozen of them, and each table knows the next. Once one has grown old, those
 * behind it live on with all that was in them, finished calls and their answers, until the next
 * collection of all memory, which comes the sooner for it.
 */
export class InFlight<T> {
  readonly #places: Place<T>[] = []

  /** Gives what ends it; to be called once. */
  add(item: T): Undo {
    const place: Place<T> = { item, at: this.#places.length }
    this.#places.push(place)
    return () => this.#remove(place)
  }

  /** Those that are under way now, whoever of them ends meanwhile. */
  all(): T[] {
    return this.#places.flatMap(({ item }) => (item === undefined ? [] : [item]))
  }

  #remove(place: Place<T>): void {
    const last = this.#places.pop()
    place.item = undefined
    if (last === undefined || last === place) return
    last.at = place.at
    this.#places[place.at] = last
  }
}
