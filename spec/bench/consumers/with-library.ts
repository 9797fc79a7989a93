// The floor, with the library, of which nothing is used: a step of a start.

import './floor.ts'
import 'kcl-session'
