/* LD_PRELOAD for t/modules.t: another module's copy of hiredis, which ours must never reach. It is
 * found before a library that a module is linked with, as are the symbols of a module loaded first. */
#include <stdlib.h>

void* redisReaderCreateWithFunctions(void* functions) { (void)functions; abort(); }
void redisReaderFree(void* reader) { (void)reader; abort(); }
int redisReaderFeed(void* reader, const char* bytes, size_t size) { (void)reader; (void)bytes; (void)size; abort(); }
int redisReaderGetReply(void* reader, void** reply) { (void)reader; (void)reply; abort(); }
