// The floor, with the built-in modules of Node that its arguments name: a step of a start.

import './floor.ts'
import { createRequire } from 'node:module'

const load = process.getBuiltinModule ?? createRequire(process.execPath)
for (const name of process.argv.slice(2)) load(name)
