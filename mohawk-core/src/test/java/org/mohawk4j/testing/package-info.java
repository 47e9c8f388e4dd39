/** What the tests of all modules share: plain host arithmetic, comparisons that NaN cannot pass, gradient checks. */
package org.mohawk4j.testing;
