/** What a program of a user's can do with public classes alone. */
package org.mohawk4j.outside;
