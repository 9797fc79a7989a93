// NestJS without its HTTP server: modules and services as in the rest of the application, one process for each shard.
import 'reflect-metadata'
import { Injectable, Module, type OnModuleDestroy } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { KclSession } from 'kcl-session'

@Injectable()
class Earthquakes implements OnModuleDestroy {
  #strong = 0

  take(magnitude: number | null): void {
    if (magnitude !== null && magnitude >= 4.5) this.#strong += 1
  }

  onModuleDestroy(): void {
    console.log(`closed, strong: ${this.#strong}`)
  }
}

@Injectable()
class Consumer {
  readonly #earthquakes: Earthquakes

  constructor(earthquakes: Earthquakes) {
    this.#earthquakes = earthquakes
  }

  async run(): Promise<void> {
    await new KclSession().forEach((record) => {
      this.#earthquakes.take(record.json<{ magnitude: number | null }>().magnitude)
    })
  }
}

@Module({ providers: [Earthquakes, Consumer] })
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule)
try {
  await app.get(Consumer).run()
} finally {
  await app.close()
}
