// In CommonJS: an ES module is imported where it is used, and awaited in a function.
async function main(): Promise<void> {
  const { KclSession } = await import('kcl-session')
  let strong = 0
  const session = new KclSession({ onShardEnded: () => console.log(`strong: ${strong}`) })
  await session.forEach((record) => {
    const { magnitude } = record.json<{ magnitude: number | null }>()
    if (magnitude !== null && magnitude >= 4.5) strong += 1
  })
}

void main()
