/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the function that an address lies in, static ones too, in the program's own symbol table.
 *
 * For:     "show profiling", "debug dev sym".
 * Owns:    the mapped file, for ever once it was asked for.
 * Thread:  control.
 */
#include "weir/os/symbol.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *image; /* NULL: cannot be read */
static size_t image_len;
static uintptr_t base; /* where the program lies */

static int
note_base(struct dl_phdr_info *info, size_t size, void *data)
{
    (void)size;
    (void)data;
    base = info->dlpi_addr;
    return 1; /* the first one is the program */
}

static void
load(void)
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    struct stat st;
    void *mapped;

    dl_iterate_phdr(note_base, NULL);
    if (fd == -1)
        return;
    if (fstat(fd, &st) == 0 && (size_t)st.st_size > sizeof(ElfW(Ehdr))) {
        mapped = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (mapped != MAP_FAILED) {
            image = mapped;
            image_len = (size_t)st.st_size;
        }
    }
    close(fd);
}

/* The table of symbols; false: the file was stripped, or is not what it should be. */
static bool
find_table(const ElfW(Sym) **symbols, size_t *count, const char **names)
{
    const ElfW(Ehdr) *head = (const void *)image;
    const ElfW(Shdr) *sections;

    if (head->e_shoff + (size_t)head->e_shnum * sizeof(*sections) > image_len)
        return false;
    sections = (const void *)(image + head->e_shoff);
    for (unsigned i = 0; i < head->e_shnum; i++) {
        const ElfW(Shdr) *section = &sections[i];

        if (section->sh_type != SHT_SYMTAB || section->sh_link >= head->e_shnum ||
            section->sh_offset + section->sh_size > image_len)
            continue;
        *symbols = (const void *)(image + section->sh_offset);
        *count = section->sh_size / sizeof(**symbols);
        *names = image + sections[section->sh_link].sh_offset;
        return true;
    }
    return false;
}

void
symbol_format(const void *addr, char *out, size_t size)
{
    static bool is_loaded;
    const ElfW(Sym) *symbols;
    const char *names;
    uintptr_t at;
    size_t count;

    if (!is_loaded)
        load();
    is_loaded = true;
    at = (uintptr_t)addr - base;
    snprintf(out, size, "weir+%#lx", (unsigned long)at);
    if (image == NULL || !find_table(&symbols, &count, &names))
        return;
    for (size_t i = 0; i < count; i++) {
        const ElfW(Sym) *symbol = &symbols[i];

        if (ELF64_ST_TYPE(symbol->st_info) != STT_FUNC || at < symbol->st_value ||
            at >= symbol->st_value + symbol->st_size)
            continue;
        if (at == symbol->st_value)
            snprintf(out, size, "%s", names + symbol->st_name);
        else
            snprintf(out, size, "%s+%#lx", names + symbol->st_name,
                     (unsigned long)(at - symbol->st_value));
        return;
    }
}
