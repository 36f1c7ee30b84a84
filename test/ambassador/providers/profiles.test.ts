import { suite } from './suite.ts'
import { vendors } from './vendors.ts'

for (const vendor of vendors) suite(vendor)
