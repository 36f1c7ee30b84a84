import { join } from 'node:path'
import { root, run } from './command.ts'

/** A whole node, with kubelet and a container runtime, for those who have root. */
const suite = join(root, 'test', 'node', 'run.ts')
process.exit(run(process.execPath, [suite, ...process.argv.slice(2)]))
