/*
 * The most multiply-adds in float32 that the machine gives at this moment: independent chains of fused multiply-adds that never
 * leave the registers. Speaks the line protocol of bench/candidate.ts. cc -O3 -march=native -pthread; one argument: threads.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(__AVX512F__)
#define BYTES 64
#elif defined(__AVX__)
#define BYTES 32
#else
#define BYTES 16
#endif
#define CHAINS 12
#define STEPS 10000000L

typedef float vector __attribute__((vector_size(BYTES)));

static void *burn(void *result) {
  vector chain[CHAINS], factor, term;
  for (int lane = 0; lane < BYTES / 4; lane++) {
    factor[lane] = 0.999f;
    term[lane] = 0.001f;
    for (int index = 0; index < CHAINS; index++) chain[index][lane] = (float)index;
  }
  for (long step = 0; step < STEPS; step++)
    for (int index = 0; index < CHAINS; index++) chain[index] = chain[index] * factor + term;
  float sum = 0;
  for (int index = 0; index < CHAINS; index++) sum += chain[index][0];
  *(float *)result = sum;
  return NULL;
}

static double now(clockid_t clock) {
  struct timespec at;
  clock_gettime(clock, &at);
  return (double)at.tv_sec + 1e-9 * (double)at.tv_nsec;
}

int main(int count, char **arguments) {
  int threads = count > 1 ? atoi(arguments[1]) : 1;
  char line[256];
  if (threads < 1 || threads > 64) return 2;
  printf("{\"ready\":{\"flopPerRepeat\":%.0f}}\n", 2.0 * (BYTES / 4) * CHAINS * (double)STEPS * threads);
  fflush(stdout);
  while (fgets(line, sizeof line, stdin) != NULL) {
    const char *colon = strchr(line, ':');
    long repeat = colon == NULL ? 1 : atol(colon + 1);
    double wall = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    float results[64];
    for (long turn = 0; turn < repeat; turn++) {
      pthread_t workers[64];
      for (int index = 0; index < threads; index++) pthread_create(&workers[index], NULL, burn, &results[index]);
      for (int index = 0; index < threads; index++) pthread_join(workers[index], NULL);
    }
    wall = now(CLOCK_MONOTONIC) - wall;
    cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    printf("{\"wall\":%.6f,\"cpu\":%.6f,\"peakBytes\":0,\"check\":%g}\n", wall, cpu, (double)results[0]);
    fflush(stdout);
  }
  return 0;
}
