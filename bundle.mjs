// The published library in few files: finding its many modules was most of a start. The last step of the build; types
// stay those of dist/lib, and the maps lead to the sources.

import { readFile } from 'node:fs/promises'
import { build } from 'esbuild'

await build({
  entryPoints: { index: 'dist/lib/index.js', testing: 'dist/lib/testing/index.js' },
  outdir: 'dist/bundle',
  bundle: true,
  // Both entries must share their classes.
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  sourcemap: true,
  sourcesContent: false,
  logLevel: 'warning',
  // Node before 20.16 has no getBuiltinModule.
  banner: {
    js: "import { createRequire } from 'node:module'\nconst builtIn = process.getBuiltinModule ?? createRequire(process.execPath)",
  },
  plugins: [
    { name: 'lazy', setup: leaveLazyAlone },
    { name: 'built-in', setup: askForBuiltIns },
  ],
})

// It has a `require` that the bundlers of users must see, and that this one would hide from them.
function leaveLazyAlone({ onResolve }) {
  onResolve({ filter: /\/lazy\.js$/ }, () => ({ path: '../lib/lazy.js', external: true }))
}

// At an import of a built-in module Node reads each of its exports, and loads what is behind them: a quarter of our
// start. Asked for a module by name, it does not.
function askForBuiltIns({ onLoad }) {
  onLoad({ filter: /\.js$/ }, async ({ path }) => {
    const source = await readFile(path, 'utf8')
    const contents = source.replace(
      /^import (\{[^}]+\}|\w+) from '(node:[^']+)';$/gm,
      (_, names, module) => `const ${names.replaceAll(' as ', ': ')} = builtIn('${module}');`,
    )
    return { contents }
  })
}
