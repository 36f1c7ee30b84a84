/** What a pool must hold: nine calls of ten have their first token in two seconds. */
export const objectiveSeconds = 2

/** Loads are looked at in steps of it. */
export const loadStep = 0.05
const stepsMin = 2
const stepsMax = 26

/**
 * The load at which the figure reaches the objective, between two loads of the grid by interpolation:
 * 0.1 to 1.3, these bounds where it lies beyond them. The grid is halved, not walked, between those of
 * the `told` figures, by load, that stand around the objective: from none, about five figures are
 * asked for. Takes a figure that grows with load.
 */
export function capturedLoad(
  p90At: (load: number) => number,
  told: ReadonlyMap<number, number> = new Map(),
): number {
  let low = stepsMin
  let high = stepsMax
  const known = new Map([...told].map(([load, figure]) => [Math.round(load / loadStep), figure]))
  for (const [step, figure] of [...known].toSorted(([one], [other]) => one - other)) {
    if (figure <= objectiveSeconds) low = step
    else {
      high = step
      break
    }
  }
  const at = (step: number) => {
    const figure = known.get(step) ?? p90At(step * loadStep)
    known.set(step, figure)
    return figure
  }
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (at(middle) <= objectiveSeconds) low = middle
    else high = middle
  }
  if (low === stepsMin && at(low) > objectiveSeconds) return low * loadStep
  if (high === stepsMax && at(high) <= objectiveSeconds) return high * loadStep
  const part = (objectiveSeconds - at(low)) / (at(high) - at(low))
  return (low + Math.min(1, Math.max(0, part))) * loadStep
}
