#pragma once

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

// The time of each operation, in nanoseconds, printed as a JSON array when all is over.

static inline uint64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static inline uint64_t *new_samples(size_t count) {
  uint64_t *samples = calloc(count, sizeof *samples);
  if (samples == NULL) {
    perror("calloc");
    exit(1);
  }
  return samples;
}

static inline void print_samples(const uint64_t *samples, size_t count) {
  for (size_t i = 0; i < count; i++) printf("%c%" PRIu64, i == 0 ? '[' : ',', samples[i]);
  printf("]\n");
}
