// The instructions of a Dockerfile, as far as ours goes: what is not known here is an error, never passed over.

export type Instruction =
  | { readonly name: 'FROM'; readonly image: string; readonly as: string | undefined }
  | {
      readonly name: 'COPY'
      readonly from: string | undefined
      readonly sources: readonly string[]
      readonly to: string
    }
  | { readonly name: 'RUN'; readonly script: string }
  | { readonly name: 'WORKDIR' | 'USER'; readonly value: string }
  | { readonly name: 'ENV'; readonly key: string; readonly value: string }
  | { readonly name: 'ENTRYPOINT'; readonly words: readonly string[] }

/** Reads a Dockerfile; throws for what this does not know how to do. */
export function readDockerfile(text: string): Instruction[] {
  return text
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map(readInstruction)
}

/** The names that a .dockerignore keeps out of the context; throws for a pattern. */
export function readDockerignore(text: string): string[] {
  const names = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  for (const name of names)
    if (/[*?![\]/]/.test(name)) throw new Error(`A pattern is not known here: ${name}`)
  return names
}

function readInstruction(line: string): Instruction {
  const [, name = '', rest = ''] = /^([A-Z]+)\s+(.*?)\s*$/.exec(line) ?? []
  const words = rest.split(/\s+/)
  switch (name) {
    case 'FROM': {
      const [, image, as] = /^([^\s-]\S*)(?: AS (\w+))?$/.exec(rest) ?? []
      if (image !== undefined) return { name, image, as }
      break
    }
    case 'COPY': {
      const from = /^--from=(\S+)$/.exec(words[0] ?? '')?.[1]
      const [to, ...sources] = words.slice(from === undefined ? 0 : 1).reverse()
      if (to !== undefined && sources.length > 0 && !/(^|\s)(--(?!from=)|[["])/.test(rest)) {
        return { name, from, sources: sources.reverse(), to }
      }
      break
    }
    case 'RUN':
      if (!/^(--|\[)/.test(rest)) return { name, script: rest }
      break
    case 'WORKDIR':
    case 'USER':
      if (words.length === 1 && !rest.includes('$')) return { name, value: rest }
      break
    case 'ENV': {
      const [, key, value] = /^(\w+)=([^\s$"'\\]+)$/.exec(rest) ?? []
      if (key !== undefined && value !== undefined) return { name, key, value }
      break
    }
    case 'ENTRYPOINT':
      if (rest.startsWith('[')) return { name, words: JSON.parse(rest) as string[] }
  }
  throw new Error(`This instruction is not known here: ${line}`)
}
