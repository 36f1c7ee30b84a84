import { test } from 'node:test'
test('the node is there', () => {})
