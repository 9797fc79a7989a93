// The options of a script that takes long: --help tells what there is to say, and a slip of the pen ends it at once.

import { type ParseArgsConfig, parseArgs } from 'node:util'

type Options = NonNullable<ParseArgsConfig['options']>
type Values<O extends Options> = ReturnType<typeof parseArgs<{ options: O }>>['values']

/**
 * The values of the options, and those of `parts` that are named. Ends the process for --help, with 0, and for what is
 * neither, with 2.
 */
export function scriptOptions<O extends Options>(
  help: string,
  options: O,
  parts: readonly string[] = [],
): { values: Values<O>; named: readonly string[] } {
  if (process.argv.slice(2).some((word) => word === '--help' || word === '-h')) {
    process.stdout.write(help)
    process.exit(0)
  }
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: parts.length > 0 })
    const stray = positionals.find((word) => !parts.includes(word))
    if (stray !== undefined) throw new Error(`Unexpected argument '${stray}'`)
    return { values, named: positionals }
  } catch (error) {
    const [sentence = ''] = String((error as Error).message).split(/\. |\n/)
    return refuse(`${sentence.replace(/\.$/, '')}.\n\n${help}`)
  }
}

/** A whole number from 1; anything else ends the process. */
export function wholeNumber(name: string, value: string | undefined): number {
  const number = /^\d+$/.test(value ?? '') ? Number(value) : 0
  return Number.isSafeInteger(number) && number > 0
    ? number
    : refuse(`--${name}=${value}: give a whole number from 1.`)
}

/** Says what is wrong, and ends the process with 2. */
export function refuse(text: string): never {
  console.error(text.trimEnd())
  process.exit(2)
}
