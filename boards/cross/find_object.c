/* GCC's unwinder is made for a C library that finds unwind tables by _dl_find_object, which musl has not: this
   does it by what musl has. */
#define _GNU_SOURCE
#include <link.h>
#include <stddef.h>

/* As in glibc's <dlfcn.h>, on machines without DLFO_STRUCT_HAS_EH_DBASE. */
struct dl_find_object {
    unsigned long long int flags;
    void *map_start, *map_end;
    void *link_map;
    void *eh_frame;
    unsigned long long int reserved[7];
};

struct wanted {
    char *pc;
    struct dl_find_object *found;
};

static int look(struct dl_phdr_info *info, size_t size, void *data)
{
    struct wanted *wanted = data;
    char *start = NULL, *end = NULL, *table = NULL;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        char *at = (char *)info->dlpi_addr + header->p_vaddr;
        if (header->p_type == PT_GNU_EH_FRAME)
            table = at;
        if (header->p_type == PT_LOAD && wanted->pc >= at && wanted->pc < at + header->p_memsz) {
            start = at;
            end = at + header->p_memsz;
        }
    }
    if (!start || !table)
        return 0;
    *wanted->found = (struct dl_find_object){ .map_start = start, .map_end = end, .eh_frame = table };
    return 1;
}

int _dl_find_object(void *pc, struct dl_find_object *found)
{
    struct wanted wanted = { pc, found };
    return dl_iterate_phdr(look, &wanted) ? 0 : -1;
}
