// One pair for all of them, and so one process.
import './cancel.ts'
import './streams.ts'
import './usage.ts'
import './operation.ts'
