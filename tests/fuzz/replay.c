/* Runs a fuzz target over every file of the folders named on the command line, without a fuzzer. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

static int
replay_file(const char *folder, const char *name)
{
	char *path = NULL;
	if (asprintf(&path, "%s/%s", folder, name) < 0)
		return -1;
	FILE *f = fopen(path, "rb");
	long size = -1;
	if (f && fseek(f, 0, SEEK_END) == 0)
		size = ftell(f);
	/* Its own exact allocation, so that the sanitizer sees a read beyond the end. */
	uint8_t *data = size >= 0 ? malloc((size_t)size) : NULL;
	int rc = -1;
	if (data) {
		rewind(f);
		if (fread(data, 1, (size_t)size, f) == (size_t)size) {
			fprintf(stderr, "%s\n", path);
			rc = LLVMFuzzerTestOneInput(data, (size_t)size);
		}
	}
	if (rc != 0)
		fprintf(stderr, "%s: cannot be replayed\n", path);
	free(data);
	if (f)
		fclose(f);
	free(path);
	return rc;
}

static int
replay_folder(const char *folder, size_t *count)
{
	DIR *dir = opendir(folder);
	if (!dir) {
		perror(folder);
		return -1;
	}
	int rc = 0;
	for (struct dirent *entry; rc == 0 && (entry = readdir(dir));) {
		if (entry->d_name[0] == '.')
			continue;
		rc = replay_file(folder, entry->d_name);
		++*count;
	}
	closedir(dir);
	return rc;
}

int
main(int argc, char **argv)
{
	size_t count = 0;
	for (int i = 1; i < argc; i++) {
		if (replay_folder(argv[i], &count) != 0)
			return 1;
	}
	/* An empty corpus proves nothing. */
	printf("%zu inputs replayed\n", count);
	return count > 0 ? 0 : 1;
}
