// SPDX-License-Identifier: Apache-2.0 OR MIT
// Standard streams: output goes to the machine's UART, one store a character, input is empty.
// Nothing is buffered.
#include <stdio.h>

extern volatile uint8_t zisk_uart[]; // set by the linker script of the memory map

static int uart_put(char c, FILE *stream)
{
    (void)stream;
    zisk_uart[0] = (uint8_t)c;
    return (unsigned char)c;
}

static int uart_get(FILE *stream)
{
    (void)stream;
    return EOF;
}

static FILE uart = FDEV_SETUP_STREAM(uart_put, uart_get, NULL, _FDEV_SETUP_RW);

FILE *const stdin = &uart;
FILE *const stdout = &uart;
FILE *const stderr = &uart;

// In place of the C library's, which looks into the stream without asking whether there is one:
// fflush(NULL) means all streams.
int fflush(FILE *stream)
{
    return stream != NULL && stream->flush != NULL ? stream->flush(stream) : 0;
}
