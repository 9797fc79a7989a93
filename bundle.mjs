// The published library in few files: finding its many modules was most of a start. The last step of the build; types
// stay those of dist/lib, and the maps lead to the sources.

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
  plugins: [{ name: 'lazy', setup: leaveLazyAlone }],
})

// It has a `require` that the bundlers of users must see, and that this one would hide from them.
function leaveLazyAlone({ onResolve }) {
  onResolve({ filter: /\/lazy\.js$/ }, () => ({ path: '../lib/lazy.js', external: true }))
}
