// The files of the editor, as they lie in `web`, within the program.
#ifndef ORCHESTRATOR_CWEBASSETS_H
#define ORCHESTRATOR_CWEBASSETS_H

#include <stddef.h>

// A file. All of it lives as long as the program.
typedef struct {
  // Relative to `web`.
  const char *path;
  const unsigned char *bytes;
  size_t count;
} web_asset;

// How many there are.
size_t web_asset_count(void);

// The one with the number `index`; nothing of it is set where there is none.
web_asset web_asset_at(size_t index);

#endif
