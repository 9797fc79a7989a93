// The garbage collector at our word, for specs of what is kept alive.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')

/** Collects everything that nothing holds. */
export const collectGarbage = runInNewContext('gc') as () => void
