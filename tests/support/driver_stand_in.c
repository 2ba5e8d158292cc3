/* The part of NVIDIA's driver library that the runtime calls, on host memory: lets the CUDA bindings be called for real
 * where there is no GPU. CUDA_STAND_IN_FAILS names a function that fails, with CUDA_ERROR_OUT_OF_MEMORY (2) or with the
 * number in CUDA_STAND_IN_CODE. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static __thread int pushed;
static int fails(const char *name) {
    const char *chosen = getenv("CUDA_STAND_IN_FAILS");
    return chosen && !strcmp(chosen, name);
}
static int code(void) {
    const char *number = getenv("CUDA_STAND_IN_CODE");
    return number ? atoi(number) : 2;
}
#define CHECK(name) if (fails(name)) return code(); if (!pushed) return 201 /* CUDA_ERROR_INVALID_CONTEXT */

int cuInit(unsigned flags) { (void)flags; return fails("cuInit") ? 100 : 0; /* CUDA_ERROR_NO_DEVICE */ }
int cuDriverGetVersion(int *version) { *version = 13000; return 0; }
int cuDeviceGetCount(int *count) { *count = 1; return 0; }
int cuDeviceGet(int *device, int ordinal) { *device = ordinal; return fails("cuDeviceGet") ? 101 : 0; }
int cuDeviceGetName(char *name, int length, int device) {
    (void)device;
    snprintf(name, length, "Stand-in GPU");
    return 0;
}
int cuDeviceGetAttribute(int *value, int attribute, int device) {
    (void)device;
    *value = attribute == 75 ? 8 : attribute == 76 ? 7 : attribute == 16 ? 14 : 0;
    return 0;
}
int cuDevicePrimaryCtxRetain(void **context, int device) { (void)device; *context = &pushed; return 0; }
int cuCtxPushCurrent_v2(void *context) { (void)context; pushed++; return 0; }
int cuCtxPopCurrent_v2(void **context) { if (!pushed) return 201; pushed--; *context = 0; return 0; }
int cuStreamCreate(void **stream, unsigned flags) { CHECK("cuStreamCreate"); *stream = (void *)(long)(64 + flags); return 0; }
int cuStreamSynchronize(void *stream) { (void)stream; CHECK("cuStreamSynchronize"); return 0; }
int cuMemAlloc_v2(unsigned long long *pointer, size_t size) {
    CHECK("cuMemAlloc");
    *pointer = (unsigned long long)aligned_alloc(256, (size + 255) / 256 * 256);
    return 0;
}
int cuMemFree_v2(unsigned long long pointer) { CHECK("cuMemFree"); free((void *)pointer); return 0; }
int cuMemHostAlloc(void **pointer, size_t size, unsigned flags) { (void)flags; CHECK("cuMemHostAlloc"); *pointer = malloc(size); return 0; }
int cuMemcpyHtoDAsync_v2(unsigned long long to, const void *from, size_t size, void *stream) {
    (void)stream; CHECK("cuMemcpyHtoDAsync"); memcpy((void *)to, from, size); return 0;
}
int cuMemcpyDtoHAsync_v2(void *to, unsigned long long from, size_t size, void *stream) {
    (void)stream; CHECK("cuMemcpyDtoHAsync"); memcpy(to, (void *)from, size); return 0;
}
int cuMemcpyDtoDAsync_v2(unsigned long long to, unsigned long long from, size_t size, void *stream) {
    (void)stream; CHECK("cuMemcpyDtoDAsync"); memcpy((void *)to, (void *)from, size); return 0;
}
int cuMemsetD8Async(unsigned long long to, unsigned char value, size_t size, void *stream) {
    (void)stream; CHECK("cuMemsetD8Async"); memset((void *)to, value, size); return 0;
}
int cuGetErrorString(int error, const char **text) { *text = error == 2 ? "out of memory" : "failure"; return 0; }
int cuGetErrorName(int error, const char **text) { *text = error == 2 ? "CUDA_ERROR_OUT_OF_MEMORY" : "CUDA_ERROR"; return 0; }

/* How bindings find functions: by name and version; newer versions of a function have a suffix. */
int cuGetProcAddress_v2(const char *symbol, void **function, int version, unsigned long long flags, void *status) {
    char name[128];
    (void)version; (void)flags; (void)status;
    snprintf(name, sizeof name, "%s_v2", symbol);
    *function = dlsym(RTLD_DEFAULT, name);
    if (!*function) *function = dlsym(RTLD_DEFAULT, symbol);
    if (!*function) {
        void *self = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_NOLOAD);
        if (self) {
            *function = dlsym(self, name);
            if (!*function) *function = dlsym(self, symbol);
        }
    }
    return *function ? 0 : 500;
}
