/**
 * By how much the straight line of least squares through `values`, taken at even intervals, rises from
 * the first to the last; 0 where there are fewer than two.
 */
export function growthOf(values: readonly number[]): number {
  const middle = (values.length - 1) / 2
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  let [products, squares] = [0, 0]
  for (const [at, value] of values.entries()) {
    products += (at - middle) * (value - mean)
    squares += (at - middle) ** 2
  }
  return squares === 0 ? 0 : (products / squares) * (values.length - 1)
}
