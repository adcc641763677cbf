/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Error codes of JSON-RPC 2.0, and the one of ours, whose `data.reason` says which refusal it
 * is. */
#define VB_RPC_PARSE_ERROR (-32700)
#define VB_RPC_INVALID_REQUEST (-32600)
#define VB_RPC_METHOD_NOT_FOUND (-32601)
#define VB_RPC_INVALID_PARAMS (-32602)
#define VB_RPC_REFUSED (-32000)
