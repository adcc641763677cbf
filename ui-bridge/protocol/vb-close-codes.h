/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Why a connection is closed: RFC 6455's codes and our own. */
#define VB_CLOSE_NORMAL 1000
#define VB_CLOSE_NOT_TEXT 1003
#define VB_CLOSE_TOO_BIG 1009
#define VB_CLOSE_TOKEN_ENDED 4401
#define VB_CLOSE_TOO_SLOW 4408
#define VB_CLOSE_FLOODING 4429
#define VB_CLOSE_SHUTTING_DOWN 4503
