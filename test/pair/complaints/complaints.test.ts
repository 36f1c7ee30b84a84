// One pair for all of them, and so one process.
/* oxlint-disable import/no-unassigned-import */
import './cancel.ts'
import './streams.ts'
import './usage.ts'
import './operation.ts'
