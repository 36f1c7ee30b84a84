/** A model whose name makes `Object.hasOwn` throw: a defect of the process, not of what it is asked. */
export const defect = 'defect'

/** What the defect says of itself: a caller must never read it. */
export const defectDetail = 'a detail for the log alone'

const planted = `const { hasOwn } = Object
Object.hasOwn = (holder, key) => {
  if (key === '${defect}') throw new TypeError('${defectDetail}')
  return hasOwn(holder, key)
}`

/** Environment of a process that has the defect; its sources are as they are. */
export const defective = {
  NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(planted)}`,
}
