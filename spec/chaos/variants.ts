// The ways to consume that chaos is made against; a further one is a name here and a way in consumer.ts.

export const VARIANTS = ['iterate', 'batch', 'each', 'own-size', 'host'] as const

export type Variant = (typeof VARIANTS)[number]
