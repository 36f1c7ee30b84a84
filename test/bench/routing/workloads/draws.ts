/** Uniform in [0, 1). */
export type Random = () => number

/** Standard normal, by Box and Muller. */
export function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

/** Log-normal with this median; `sigma` is of the logarithm. Cut to the bounds. */
export function logNormal(
  random: Random,
  law: {
    readonly median: number
    readonly sigma: number
    readonly min: number
    readonly max: number
  },
): number {
  const value = law.median * Math.exp(law.sigma * normal(random))
  return Math.min(law.max, Math.max(law.min, value))
}

/** Waiting time to the next of a Poisson process with this mean. */
export function exponential(random: Random, mean: number): number {
  return -Math.log(1 - random()) * mean
}

/** Draws 0 to `count` - 1, number i with a weight of 1 / (i + 1). */
export function zipf(random: Random, count: number): () => number {
  const sums: number[] = []
  let total = 0
  for (let at = 1; at <= count; at++) sums.push((total += 1 / at))
  return () => {
    const point = random() * total
    const at = sums.findIndex((sum) => point < sum)
    return at < 0 ? count - 1 : at
  }
}
