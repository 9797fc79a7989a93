// The published library, each entry in one file: finding and reading many modules was most of a start. The last step of
// the build; types stay those of dist/lib, and the maps lead to the sources.

import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { build } from 'esbuild'

const USERS_REQUIRE = 'requireOfUsers'

await bundle({ index: 'dist/lib/index.js' }, [])
await bundle({ testing: 'dist/lib/testing/index.js' }, [{ name: 'errors', setup: shareErrors }])

async function bundle(entryPoints, plugins) {
  const { outputFiles } = await build({
    entryPoints,
    outdir: 'dist/bundle',
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    sourcemap: true,
    sourcesContent: false,
    logLevel: 'warning',
    banner: {
      js: `if (!process.getBuiltinModule) throw new Error('kcl-session needs Node 20.16, 22.3 or newer; this is ' + process.version + '.')`,
    },
    plugins: [{ name: 'sources', setup: readSources }, ...plugins],
  })
  await mkdir('dist/bundle', { recursive: true })
  for (const { path, text } of outputFiles) await writeFile(path, text.replaceAll(USERS_REQUIRE, 'require'))
}

// The classes that users compare with must be the same ones in both.
function shareErrors({ onResolve }) {
  onResolve({ filter: /\/errors\.js$/ }, () => ({ path: './index.js', external: true }))
}

// Lines stay where they are, for the maps.
function readSources({ onLoad }) {
  onLoad({ filter: /\.js$/ }, async ({ path }) => {
    const source = await readFile(path, 'utf8')
    const contents = source
      // esbuild would make its own of the `require`s in lazy.js, which the bundlers of users must see.
      .replace(/\brequire\b/g, USERS_REQUIRE)
      // At an import of a built-in module Node reads each of its exports, and loads what is behind them: a quarter of
      // our start. Asked for a module by name, it does not.
      .replace(
        /^import (\{[^}]+\}|\w+) from '(node:[^']+)';$/gm,
        (_, names, module) =>
          `const ${names.replaceAll(' as ', ': ')} = process.getBuiltinModule('${module}');`,
      )
      // What is read at each start is kept for as long as the process lives.
      .replace(/^ *(\/\/(?!#).*|\/\*\*[\s\S]*?\*\/)$/gm, (comment) => comment.replace(/./g, ''))
    return { contents }
  })
}
