// Why a request has no answer, in the page's language.

import { isKnown, t } from "./language.js";

/** Of a RequestError. What the bridge said itself stays as it came. */
export const problem = ({ code, message }) => (isKnown(`request_${code}`) ? t(`request_${code}`) : message);
