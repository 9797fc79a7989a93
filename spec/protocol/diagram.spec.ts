import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { TRANSITIONS } from '../../lib/protocol/states.ts'

test('the diagram in the docs is drawn from the table', () => {
  const page = readFileSync(new URL('../../../lib/protocol/README.md', import.meta.url), 'utf8')
  assert.equal(/```mermaid\n([\s\S]*?)\n```/.exec(page)?.[1], draw())
})

function draw(): string {
  const states = Object.keys(TRANSITIONS)
  const named = states.filter((state) => id(state) !== state)
  return [
    'stateDiagram-v2',
    '    [*] --> new',
    ...named.map((state) => `    state "${state}" as ${id(state)}`),
    ...Object.entries(TRANSITIONS).flatMap(([state, inputs]) =>
      Object.entries(inputs).map(([input, next]) => `    ${id(state)} --> ${id(next)}: ${input}`),
    ),
  ].join('\n')
}

// Mermaid takes no blanks and commas in the name of a state.
function id(state: string): string {
  return state.replace(/[^A-Za-z]+(\w)/g, (_, letter: string) => letter.toUpperCase())
}
